"""Arrow and Parquet: typed columns, read in limited memory."""
