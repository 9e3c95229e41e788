"""What a server answers: a module for each group of requests, each with `register`."""
