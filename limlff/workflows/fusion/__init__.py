"""The study of fusion: two dendrites touch and become one; what is left between them."""
