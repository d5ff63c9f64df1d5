# stdin: '1'; '2'
# outcome: value '\ufffd' * 2**20; value 'a\0\ufffd\ud83d\ude00'.encode('utf-16', 'surrogatepass').decode('utf-16')
# correct: bytes that are no text are replaced; NUL is a character

import os

if input() == "1":
    for _ in range(16):
        os.write(1, b"\xff" * (1 << 16))
else:
    os.write(1, b"a\0\xff\xf0\x9f\x98\x80")
