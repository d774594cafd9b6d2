"""Grade a class of notebooks: isolated, in parallel, into the gradebook of nbgrader."""
