"""The edge to files: recordings to replay, and a journal and insights in a folder."""
