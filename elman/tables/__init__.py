"""Tables: files, streams and queries with columns, in chunks of rows that fit in memory, whatever their size."""
