"""The parts of a run, each a function from a plan to the rows and curves it measures."""
