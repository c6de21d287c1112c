"""The vocabulary of the local engine: Earth Engine's algorithms by family, each with the semantics it follows."""
