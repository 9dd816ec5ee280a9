//! assay-encoder
