"""The gate: where the queue of one appliance asks for its workers."""
