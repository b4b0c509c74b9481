"""The service: a model, or several, behind a small HTTP interface and one page.

`elman.server.app.create_app` builds it; ``elman serve`` starts it. Names that are sent are read, answered and
forgotten: none is kept, and none stands in a log, a metric or an error.
"""
