"""Kafka Connect's connectors for this service's topic, as an operator applies and watches them."""
