"""Tasks: what is read and what is answered, one file for each; `registry` knows all of them."""
