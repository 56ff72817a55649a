//! VM sizes: the table in `sizes.yaml`, which is part of the binary.

use std::sync::LazyLock;

use serde::Deserialize;

/// One VM size as Azure sells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Canonical spelling, `Standard_…`.
    pub name: String,
    /// Virtual CPUs of one VM: the unit of quota.
    pub vcpus: u32,
    /// GPUs of one VM; 0 for a general-purpose size.
    #[serde(default)]
    pub gpus: u32,
    /// Memory of one VM in GiB.
    pub memory_gib: u32,
    /// What a healthy node's GPUs reach together; only GPU sizes have it.
    #[serde(default)]
    pub all_reduce: Option<AllReduce>,
    /// Quota family in the spelling of the SKU API; compare it with [`same_family`].
    pub family: String,
}

/// The least a healthy node reaches in NCCL's all-reduce, as bus bandwidth in GB/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllReduce {
    /// Size of the message in bytes that the figures are for.
    pub message: u64,
    /// Over the GPUs of one node.
    pub node: u32,
    /// Over those of two nodes; `None` where nobody has published a figure.
    pub pair: Option<u32>,
}

static SIZES: LazyLock<Vec<Size>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("sizes.yaml")).expect("sizes.yaml is checked by a test")
});

/// The size of that name, whatever its case; `None` if the table lacks it.
pub fn find(name: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// The sizes that may carry GPU jobs (`hpc_sku`), in the table's order.
pub fn gpu_sizes() -> impl Iterator<Item = &'static Size> {
    SIZES.iter().filter(|size| size.gpus > 0)
}

/// Whether two spellings name the same quota family.
///
/// The SKU API says `StandardNDASv4_A100Family` where the usage API says `Standard NDASv4_A100 Family`:
/// case and spaces differ, the rest does not (seen in skypilot-org/skypilot issue 10120).
pub fn same_family(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> String {
        name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_complete_and_unambiguous() {
        for size in SIZES.iter() {
            assert_eq!(SIZES.iter().filter(|other| other.name.eq_ignore_ascii_case(&size.name)).count(), 1);
            assert!(size.name.starts_with("Standard_") && size.family.ends_with("Family"), "{size:?}");
            assert_eq!(size.all_reduce.is_some(), size.gpus > 0, "{size:?}");
            assert!(size.vcpus > 0 && size.memory_gib >= size.vcpus, "{size:?}");
        }
        let names: Vec<_> = gpu_sizes().map(|size| (size.name.as_str(), size.vcpus, size.gpus)).collect();
        assert_eq!(
            names,
            [
                ("Standard_ND96asr_v4", 96, 8),
                ("Standard_ND96amsr_A100_v4", 96, 8),
                ("Standard_ND96isr_H100_v5", 96, 8),
                ("Standard_ND96isr_H200_v5", 96, 8),
            ]
        );
    }

    #[test]
    fn find_ignores_case() {
        assert_eq!(find("standard_nd96ISR_h100_V5").expect("known").name, "Standard_ND96isr_H100_v5");
        assert_eq!(find("Standard_ND96isr_H100"), None);
    }

    #[test]
    fn families_differ_in_letters_not_in_case_or_spaces() {
        assert!(same_family("StandardNDASv4_A100Family", "Standard NDASv4_A100 Family"));
        assert!(same_family("standardNDAMSv4_A100Family", "standard NDAMSv4_A100Family "));
        assert!(!same_family("standardDSv5Family", "standardDASv5Family"));
    }
}
