"""The service: one or more models behind a small HTTP interface and a page.

`elman.server.app.create_app` builds it; ``elman serve`` starts it. Names are read, answered and forgotten: none is
stored, and none appears in a log, a metric or an error.
"""
