"""The compiled inner loops: the only place that imports numba.

Literals are typed, and nothing is raised: answers are codes. How kernels are compiled and cached: ``compiling``.
"""
