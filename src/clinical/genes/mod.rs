//! Genes: variant calls, what they say of drug metabolism, and what follows for the drugs somebody takes.
//!
//! Must stay true: a diplotype is named among the alleles that were looked for, and the positions that were not called
//! are counted; a phenotype is said only where the table has it. Nothing here chooses a drug.

pub mod call;
pub mod resources;
pub mod table;
pub mod vcf;

pub use call::{Diplotype, call_genes};
pub use vcf::{CallSet, Variant, read_vcf};
