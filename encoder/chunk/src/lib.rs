//! assay-chunk
