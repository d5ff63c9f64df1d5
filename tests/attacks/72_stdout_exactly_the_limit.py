# stdin: '65536'; '1048576'; '1048577'
# outcome: value 'x' * 65536; value 'x' * 2**20; output_limit
# correct: what a stdin program prints is its value up to the last byte of the limit

print("x" * int(input()), end="")
