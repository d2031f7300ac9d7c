"""A potential inside LAMMPS on MPI, by its Python module and `fix external`."""
