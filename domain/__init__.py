"""What users, search, peers and identity mean; every vendor but Kafka ends in here."""
