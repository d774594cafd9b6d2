r"""What the student's kernel has in place of the derived rules.

At grading the rules are the answers. So the kernel in which students' cells run gets a package
without them: not in its memory, which is forked from a process that never imported them, and not in
its file system, where :mod:`.package` puts a copy without them over the installed one. The modules
that notebooks call stay, as stand-ins: :mod:`.rules`, :mod:`.numpy_kernel`, :mod:`.checking`. A
step of a derived rule, which `optedu.minimize` may need for a rule that the notebook does not
implement, is asked from the kernel with the checks (:mod:`.between`), and only between tests.
"""
