"""The edge to Azure: the only importers of its packages, with `function_app.py`."""
