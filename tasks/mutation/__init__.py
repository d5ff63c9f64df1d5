"""Small wrong versions of programs: operators, mutants, the step that makes them of winners."""
