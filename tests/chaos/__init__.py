"""The whole service under faults: processes killed and paused while clients write, and a judge of what is left."""
