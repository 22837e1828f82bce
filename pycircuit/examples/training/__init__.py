"""How the shipped model, tokenizer and token array of `pycircuit/examples/data` were made."""
