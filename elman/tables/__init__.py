"""Tables: files, streams and database queries with columns, read and written in chunks that fit in memory."""
