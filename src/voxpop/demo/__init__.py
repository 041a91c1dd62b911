"""The first project on embedded defaults: phantom patients, a test archive, and the whole way through the product."""
