import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from jaxtyping import install_import_hook

# Every shape in a signature is checked at run time while the tests run.
install_import_hook("attractory", "beartype.beartype")
