# calls: f(1); f(2)
# outcome: timeout cpu; timeout cpu
# correct: an import that hangs is every call's timeout, waited for once

while True:
    pass
