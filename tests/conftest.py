"""What all tests rely on."""

import signal

# What a shell starts with `&` ignores Ctrl-C, and so would all programs that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
