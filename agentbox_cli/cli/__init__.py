"""The shell: arguments in, text out; the only room that prints or exits."""
