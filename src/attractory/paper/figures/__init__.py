"""The paper's figures, one module each: cells, claims, pictures."""
