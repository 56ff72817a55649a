//! VM sizes: the tables in `sizes.yaml` and `sizes-retired.yaml`, which are part of the binary.

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
    /// Whether Azure's list of sizes says nothing about the GPUs.
    #[serde(default)]
    pub unreported_gpus: bool,
    /// Whether VMs reach each other over InfiniBand, which takes placing them together.
    #[serde(default)]
    pub infiniband: bool,
    /// Memory of one VM in GiB.
    pub memory_gib: u32,
    /// What a healthy node's GPUs reach together; `None` where there is one GPU or none, or no figure that `verify` can
    /// measure is published.
    #[serde(default)]
    pub all_reduce: Option<AllReduce>,
    /// Quota family in the spelling of the SKU API; compare it with [`same_family`].
    pub family: String,
    /// Which kind of node image its GPUs and processors need.
    #[serde(default)]
    pub image: Variant,
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

/// A kind of node image, as `bicep/versions.json` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// x86-64, with the drivers of NVIDIA GPUs.
    #[default]
    Cuda,
    /// x86-64, with the drivers of AMD GPUs.
    Rocm,
    /// arm64, for NVIDIA's Grace Blackwell.
    Gb,
}

impl Variant {
    /// Its name in `bicep/versions.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Gb => "gb",
        }
    }
}

/// GPU sizes that Azure has taken away together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// Their series, such as `NCv3`.
    pub series: String,
    /// The day, as in `2025-09-30`.
    pub since: String,
    /// A size that takes their place.
    pub instead: String,
    /// Their names.
    pub names: Vec<String>,
}

static RETIRED: LazyLock<Vec<Retired>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("sizes-retired.yaml")).expect("sizes-retired.yaml is checked by a test")
});

static SIZES: LazyLock<Vec<Size>> = LazyLock::new(|| {
    serde_yaml::from_str(include_str!("sizes.yaml")).expect("sizes.yaml is checked by a test")
});

/// The size of that name, whatever its case; `None` if the table lacks it.
pub fn find(name: &str) -> Option<&'static Size> {
    SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name))
}

/// The series of the size of that name, whatever its case, if Azure has retired it.
pub fn retired(name: &str) -> Option<&'static Retired> {
    RETIRED.iter().find(|retired| retired.names.iter().any(|other| other.eq_ignore_ascii_case(name)))
}

/// Every retired size's name.
pub fn retired_names() -> impl Iterator<Item = &'static str> {
    RETIRED.iter().flat_map(|retired| retired.names.iter().map(String::as_str))
}

/// Every size, in the table's order.
pub fn all() -> impl Iterator<Item = &'static Size> {
    SIZES.iter()
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
            assert!(size.all_reduce.is_none() || size.gpus > 1 && size.image == Variant::Cuda, "{size:?}");
            assert!(size.vcpus > 0 && size.memory_gib >= size.vcpus, "{size:?}");
            assert_eq!(size.infiniband, size.name.starts_with("Standard_ND"), "{size:?}");
            assert!(size.gpus > 0 || !size.unreported_gpus, "{size:?}");
        }
        let names: Vec<_> = gpu_sizes().map(|size| (size.name.as_str(), size.vcpus, size.gpus)).collect();
        assert_eq!(
            names,
            [
                ("Standard_ND96asr_v4", 96, 8),
                ("Standard_ND96amsr_A100_v4", 96, 8),
                ("Standard_ND96isr_H100_v5", 96, 8),
                ("Standard_ND96isr_H200_v5", 96, 8),
                ("Standard_ND96isr_MI300X_v5", 96, 8),
                ("Standard_ND128isr_NDR_GB200_v6", 128, 4),
                ("Standard_ND128isr_GB300_v6", 128, 4),
                ("Standard_NC24ads_A100_v4", 24, 1),
                ("Standard_NC48ads_A100_v4", 48, 2),
                ("Standard_NC96ads_A100_v4", 96, 4),
                ("Standard_NC40ads_H100_v5", 40, 1),
                ("Standard_NC80adis_H100_v5", 80, 2),
            ]
        );
    }

    #[test]
    fn retired_sizes_are_not_for_sale_and_name_one_that_is() {
        for retired in RETIRED.iter() {
            assert!(find(&retired.instead).is_some_and(|size| size.gpus > 0), "{retired:?}");
            assert_eq!(retired.since.len(), "2025-09-30".len(), "{retired:?}");
        }
        for name in retired_names() {
            assert_eq!(
                (find(name), retired_names().filter(|other| *other == name).count()),
                (None, 1),
                "{name}"
            );
        }
        assert_eq!(retired("standard_NC6S_v3").map(|retired| retired.series.as_str()), Some("NCv3"));
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
