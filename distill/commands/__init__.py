"""One command a module, each with `main(arguments) -> exit status`."""
