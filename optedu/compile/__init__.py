r"""From a `Rule` to the forms that people and machines use, one module a form.

`lowering` prepares the equations for the fast forms: scalar-only parts are taken out of the loop,
common subexpressions are shared. `latex` and `array` print the equations as they stand.
"""
