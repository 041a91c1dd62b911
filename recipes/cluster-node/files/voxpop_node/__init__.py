"""What makes a machine the front end or a worker of an appliance with a batch queue.

It is part of every image that has a queue, and starts with Debian's Python, so it imports the standard library alone.
"""
