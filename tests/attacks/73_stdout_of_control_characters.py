# stdin: '\\n'; '"'; '\\0'
# outcome: value '\n' * 2**20; value '"' * 2**20; value '\0' * 2**20
# correct: the limit is bytes printed, whatever their text costs on the way

import ast

print(ast.literal_eval("'" + input() + "'") * 2**20, end="")
