"""The I/O shell: endpoint, driver, upstream client, scan pool."""
