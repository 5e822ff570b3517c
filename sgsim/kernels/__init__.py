"""The compiled inner loops: the only place that imports numba.

A kernel and all that it calls live in one file (numba's cache does not see a change in another), literals are typed,
and nothing is raised: answers are codes.
"""
