//! A GPU size that the table lacks, as Azure lists it (`--allow-unlisted-size`).

use crate::azure::skus::{self, Sku};
use crate::azure::{Az, account};
use crate::config::{Unlisted, nearest};
use crate::failure::{Exit, Failure};
use crate::process::Runner;
use crate::sizes::{Size, Variant};
use crate::ui::{Event, Ui};

/// A size as Azure lists it; what is then not known is said.
///
/// # Errors
/// When Azure cannot be asked, does not list it in the region, or says too little of it.
pub fn look_up(wanted: &Unlisted, runner: &Runner<'_>, ui: &Ui) -> anyhow::Result<Size> {
    let Unlisted { subscription, region, size } = wanted;
    let az = Az::new(runner, subscription.as_str());
    let caller = account::caller(&az).map_err(|error| error.failure(Exit::Check))?;
    let skus =
        skus::skus(&az.on(caller.subscription_id), region).map_err(|error| error.failure(Exit::Check))?;
    let sku = skus::find(&skus, size).ok_or_else(|| not_offered(size, region, &skus))?;
    let (Some(vcpus), Some(memory_gib)) = (sku.vcpus, sku.memory_gib) else {
        let text = format!("Azure lists neither vCPUs nor memory of {size}, or only one of them");
        return Err(Failure::new(Exit::Check, "SizeUnknown", text).remedy("choose another hpc_sku").into());
    };
    let image = if sku.is_arm { Variant::Gb } else { Variant::Cuda };
    ui.event(Event::Warning { text: &unknown(sku, vcpus, image) });
    let (name, family) = (sku.name.clone(), sku.family.clone());
    let gpus = sku.gpus.unwrap_or_default();
    // Not told, nodes are placed together, which is worth more where it is needed than it costs elsewhere.
    let infiniband = sku.infiniband.unwrap_or(true);
    Ok(Size {
        name,
        vcpus,
        gpus,
        unreported_gpus: false,
        infiniband,
        memory_gib,
        all_reduce: None,
        family,
        image,
    })
}

fn not_offered(size: &str, region: &str, skus: &[Sku]) -> Failure {
    let names: Vec<_> = skus.iter().map(|sku| sku.name.as_str()).collect();
    let hint = nearest(size, &names).map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    Failure::new(Exit::Check, "SizeNotOffered", format!("{size} (hpc_sku): not offered in {region}{hint}"))
        .remedy(format!("az vm list-skus --size {size} --all --output table shows where it can be had"))
}

fn unknown(sku: &Sku, vcpus: u32, image: Variant) -> String {
    let untold = |is_told: bool, what: &str| if is_told { String::new() } else { format!("{what}, ") };
    let gpus = untold(sku.gpus.is_some(), "how many GPUs it has");
    let infiniband = untold(sku.infiniband.is_some(), "whether it has InfiniBand");
    let listed = sku.gpus.map(|gpus| format!(", {gpus} GPUs")).unwrap_or_default();
    let network = match sku.infiniband {
        Some(true) => ", InfiniBand",
        Some(false) => ", no InfiniBand",
        None => "",
    };
    format!(
        "hpc_sku: {} is not a size of this version; Azure lists {vcpus} vCPUs{listed}{network}. Not known: {gpus}{infiniband}\
         whether the node image taken ({}) has drivers for its GPUs, and what bandwidth a healthy node reaches",
        sku.name,
        image.as_str()
    )
}
