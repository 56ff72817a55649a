//! What holds for keys that `config.yaml` leaves out.

pub const HPC_MAX_NUM_VMS: u32 = 100;
pub const CLUSTER_NAME: &str = "slurmcluster";
pub const ADMIN_USER: &str = "cycleadmin";
pub const SCHEDULER_SKU: &str = "Standard_D8ads_v5";
pub const LOGIN_SKU: &str = "Standard_D8ads_v5";
pub const HTC_SKU: &str = "Standard_F2s_v2";
pub const SERVER_SKU: &str = "Standard_D4s_v5";
pub const LOGIN_NODES: u32 = 3;
pub const HTC_MAX_CORE_COUNT: u32 = 20;
pub const ADDRESS_SPACE: &str = "10.64.0.0/16";
pub const ANF_SERVICE_LEVEL: &str = "Premium";
pub const ANF_SIZE_TIB: u32 = 4;
