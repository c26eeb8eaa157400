"""What the server does, without HTTP: each service takes only the parts it uses."""
