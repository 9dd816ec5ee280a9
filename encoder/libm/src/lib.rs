//! assay-libm
