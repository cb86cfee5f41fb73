"""What the end-to-end tests stand on: real servers, real clients, real images.

Each module owns one kind of thing and starts and ends only what it made itself.
"""
