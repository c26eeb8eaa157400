"""The HTTP side: the app, its middleware, routes, errors and the built page."""
