//! The tables.

use serde_json::json;

use super::scene::{Case, NEEDED, Scene, case, restriction};

const GPU: &str = "Standard_ND96isr_H100_v5";
const GPU_FAMILY: &str = "standardNDSH100v5Family";

/// The first case of each table: nothing is wrong.
fn good() -> Case {
    case("all is well, every limit exactly reached", 0, |_| {})
}

pub fn programs() -> Vec<Case> {
    let traceback = "Traceback (most recent call last):\n  File \"az\", line 1, in <module>\nModuleNotFoundError: No module named 'azure'";
    vec![
        good(),
        case("az absent", 9, |scene| scene.without("az")),
        case("az too old", 9, |scene| scene.version("2.61.0", Some("1.4.3"))),
        case("az broken", 9, move |scene| scene.fails("version", 1, traceback)),
        case("az hanging", 0, |scene| scene.how("version", "hang")),
        case("az says no version", 0, |scene| scene.answer("version", "{}")),
        case("bastion absent", 9, |scene| scene.version("2.90.1", None)),
        case("bastion too old", 9, |scene| scene.version("2.90.1", Some("1.2.0"))),
        case("ssh absent", 9, |scene| scene.without("ssh")),
        case("ssh too old", 9, |scene| scene.says("ssh", "OpenSSH_7.4p1, OpenSSL 1.0.2k-fips")),
        case("another ssh", 0, |scene| scene.says("ssh", "Dropbear v2024.85")),
        case("ssh-keygen absent", 9, |scene| scene.without("ssh-keygen")),
        case("python3 absent", 9, |scene| scene.without("python3")),
        case("python3 too old", 9, |scene| {
            scene.says("python3", r#"{"version": [3, 9], "tag": "cpython-39", "venv": true}"#);
        }),
        case("python3 without venv", 9, |scene| {
            scene.says("python3", r#"{"version": [3, 13], "tag": "cpython-313", "venv": false}"#);
        }),
        case("a missing program blocks more than quota", 9, |scene| {
            scene.without("python3");
            scene.usage("cores", 0, 1);
        }),
    ]
}

pub fn sign_in() -> Vec<Case> {
    const TOKEN: &str = "account get-access-token";
    vec![
        good(),
        case("not signed in", 10, |scene| {
            scene.fails(TOKEN, 1, "ERROR: Please run 'az login' to setup account.")
        }),
        case("expired", 10, |scene| {
            let login = "az login --tenant \"t\" --scope \"https://management.core.windows.net//.default\"";
            let text = "ERROR: AADSTS700082: The refresh token has expired. Trace ID: 1 Timestamp: 2\nRun the command below to authenticate interactively; additional arguments may be added as needed:\naz logout";
            scene.fails(TOKEN, 1, &format!("{text}\n{login}"));
        }),
        case("expired between two calls", 10, |scene| {
            scene.fails("usages", 1, "ERROR: AADSTS50076: you must use multi-factor authentication.");
        }),
        case("hanging", 4, |scene| scene.how(TOKEN, "hang")),
        case("printing no JSON", 4, |scene| scene.answer(TOKEN, "Welcome!")),
        case("printing nothing", 4, |scene| scene.answer(TOKEN, "")),
        case("killed", 4, |scene| scene.how(TOKEN, "kill")),
        case("a token without object id", 4, |scene| {
            scene.change(TOKEN, |answer| answer["accessToken"] = "e30.e30.c2ln".into())
        }),
        case("no connection", 4, |scene| {
            scene.fails(TOKEN, 1, "ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded");
        }),
        case("a broken certificate chain", 4, |scene| {
            scene.fails(TOKEN, 1, "ERROR: certificate verify failed")
        }),
        case("a token cache race, once", 0, |scene| {
            scene.fails(
                TOKEN,
                1,
                "ERROR: [Errno 13] Permission denied: '/home/u/.azure/msal_token_cache.json.lockfile'",
            );
            scene.how(TOKEN, "once");
        }),
        case("a token cache race, twice", 4, |scene| {
            scene.fails(TOKEN, 1, "ERROR: [Errno 11] Resource temporarily unavailable");
        }),
        case("no such subscription", 4, |scene| {
            scene.names("reserch");
            scene.fails(
                TOKEN,
                1,
                "ERROR: Subscription 'reserch' not found. Check the spelling and casing and try again.",
            );
        }),
        case("two subscriptions of that name", 4, |scene| {
            scene.fails(
                TOKEN,
                1,
                "ERROR: Multiple subscriptions with the name 'research' found. Specify the subscription ID.",
            );
        }),
        case("another subscription altogether", 4, |scene| {
            scene.names("production");
            scene.fails(
                TOKEN,
                1,
                "ERROR: Subscription 'production' not found. Check the spelling and casing and try again.",
            );
        }),
        case("az cannot show it", 4, |scene| scene.answer("account show", "[]")),
        case("disabled", 4, |scene| {
            scene.change("account show", |account| account["state"] = "Disabled".into())
        }),
        case("warned", 0, |scene| scene.change("account show", |account| account["state"] = "Warned".into())),
        case("a sovereign cloud", 4, |scene| {
            scene.change("account show", |account| account["environmentName"] = "AzureUSGovernment".into());
        }),
    ]
}

pub fn sizes() -> Vec<Case> {
    let restricted = |name: &'static str, kind: &'static str, zones: &'static [&str]| {
        move |scene: &Scene| scene.size(name, |size| size["restrictions"] = json!([restriction(kind, zones)]))
    };
    let in_zone = move |zones: &'static [&str]| {
        let restrict = restricted(GPU, "Zone", zones);
        move |scene: &Scene| {
            scene.config("zone: '2'\n");
            restrict(scene);
        }
    };
    vec![
        good(),
        case("no such region", 4, |scene| {
            scene.change("locations", |page| {
                page["value"].as_array_mut().expect("a list").retain(|item| item["name"] != "eastus")
            });
        }),
        case("regions forbidden", 0, |scene| scene.forbids("locations")),
        case("size not offered", 4, |scene| {
            scene.size(GPU, |size| size["name"] = "Standard_ND96isr_H100_v6".into())
        }),
        case("size restricted in the region", 4, restricted(GPU, "Location", &[])),
        case("another size restricted", 4, restricted("Standard_D8ads_v5", "Location", &[])),
        case("zones restricted, none wanted", 0, restricted(GPU, "Zone", &["1", "2", "3"])),
        case("zone restricted for the server", 4, move |scene| {
            scene.config("zone: '2'\n");
            restricted("Standard_D4s_v5", "Zone", &["2"])(scene);
        }),
        case("zone restricted for the scheduler, which is not in it", 0, move |scene| {
            scene.config("zone: '2'\n");
            restricted("Standard_D8ads_v5", "Zone", &["2"])(scene);
        }),
        case("zone restricted", 4, in_zone(&["2"])),
        case("all zones restricted", 4, in_zone(&["1", "2", "3"])),
        case("another zone restricted", 0, in_zone(&["1"])),
        case("not in that zone", 4, |scene| {
            scene.config("zone: '2'\n");
            scene.size(GPU, |size| size["locationInfo"][0]["zones"] = json!(["1", "3"]));
        }),
        case("sizes forbidden", 0, |scene| scene.forbids("skus")),
        case("sizes hanging", 0, |scene| scene.how("skus", "hang")),
        case("sizes not JSON", 0, |scene| scene.answer("skus", "<html>")),
        case("sizes no list", 0, |scene| scene.answer("skus", "{\"error\": null}")),
        case("a size that nobody knows", 4, |scene| scene.config("htc_sku: Standard_X9_v9\n")),
    ]
}

pub fn quota() -> Vec<Case> {
    let mut cases = vec![good()];
    for (name, needed) in NEEDED {
        cases.push(case(name, 4, move |scene| scene.usage(name, 0, needed - 1)));
    }
    cases.extend(ours());
    cases.extend(spellings());
    cases.extend(undecided());
    cases
}

/// What the group itself runs.
fn ours() -> Vec<Case> {
    let full = |scene: &Scene| {
        scene.usage(GPU_FAMILY, 192, 192);
        scene.usage("cores", 192, 248);
    };
    vec![
        case("others use it", 4, full),
        case("we use it", 0, move |scene| {
            full(scene);
            scene.machines(&[GPU, GPU], "eastus", "Regular");
        }),
        case("we use half of it", 4, move |scene| {
            full(scene);
            scene.machines(&[GPU], "East US", "Regular");
        }),
        case("we use it in a scale set", 0, move |scene| {
            full(scene);
            scene.machines(&[], "eastus", "Regular");
            let set = json!({"location": "eastus", "sku": {"name": GPU, "capacity": 2}, "properties": {"orchestrationMode": "Uniform"}});
            scene.answer_json("virtualMachineScaleSets", &json!({"value": [set]}));
        }),
        case("we use it as Spot, which does not count", 4, move |scene| {
            full(scene);
            scene.machines(&[GPU, GPU], "eastus", "Spot");
        }),
        case("we use it elsewhere", 4, move |scene| {
            full(scene);
            scene.machines(&[GPU, GPU], "westeurope", "Regular");
        }),
        case("the group's VMs are forbidden, the limit is large", 0, |scene| {
            scene.forbids("virtualMachines")
        }),
        case("the group's VMs are forbidden, the limit may be too small", 0, move |scene| {
            full(scene);
            scene.forbids("virtualMachines");
        }),
        case("the group has a VM of unknown size", 0, move |scene| {
            full(scene);
            scene.machines(&["Standard_X9_v9"], "eastus", "Regular");
        }),
    ]
}

/// Spellings and forms of the list.
fn spellings() -> Vec<Case> {
    let respelt = |scene: &Scene, spelling: &str, limit: u64| {
        scene.change("usages", |page| {
            page["value"].as_array_mut().expect("a list").retain(|item| item["name"]["value"] != GPU_FAMILY)
        });
        scene.usage(spelling, 0, limit);
    };
    vec![
        case("another case and stray spaces", 0, move |scene| {
            respelt(scene, " Standard NDSH100v5 family ", 192)
        }),
        case("the same, one vCPU short", 4, move |scene| respelt(scene, " Standard NDSH100v5 family ", 191)),
        case("numbers as strings", 4, move |scene| {
            respelt(scene, GPU_FAMILY, 0);
            scene.change("usages", |page| {
                let list = page["value"].as_array_mut().expect("a list");
                let item = list.iter_mut().find(|item| item["name"]["value"] == GPU_FAMILY).expect("a limit");
                item["limit"] = "191".into();
                item["currentValue"] = "0".into();
            });
        }),
        case("on a second page", 4, |scene| {
            scene.change("usages", |page| {
                let list = page["value"].as_array_mut().expect("a list");
                let at = list.iter().position(|item| item["name"]["value"] == GPU_FAMILY).expect("a limit");
                let mut item = list.remove(at);
                item["limit"] = 191.into();
                scene.answer_json("usages 2", &json!({"value": [item]}));
                page["nextLink"] =
                    "https://management.azure.com/subscriptions/x/usages?api-version=1&$skiptoken=2".into();
            });
        }),
        case("a second page from elsewhere", 0, |scene| {
            scene.change("usages", |page| page["nextLink"] = "https://example.org/usages".into());
        }),
        case("pages without end", 0, |scene| {
            scene.change("usages", |page| page["nextLink"] = "https://management.azure.com/usages".into());
        }),
    ]
}

fn undecided() -> Vec<Case> {
    vec![
        case("no limit of that name", 0, |scene| {
            scene.change("usages", |page| {
                page["value"]
                    .as_array_mut()
                    .expect("a list")
                    .retain(|item| item["name"]["value"] != GPU_FAMILY)
            });
        }),
        case("limits forbidden", 0, |scene| scene.forbids("usages")),
        case("limits hanging", 0, |scene| scene.how("usages", "hang")),
        case("limits not JSON", 0, |scene| scene.answer("usages", "garbage")),
        case("killed while reading the limits", 0, |scene| scene.how("usages", "kill")),
        case("a subscription without usages", 0, |scene| {
            let error =
                r#"{"error":{"code":"SubscriptionHasNoUsages","message":"The subscription has no usages."}}"#;
            scene.fails("usages", 1, &format!("ERROR: Conflict({error})"));
        }),
        case("a size of unknown vCPUs", 0, |scene| {
            scene.config("htc_sku: Standard_X9_v9\n");
            scene.size("Standard_F2s_v2", |size| {
                size["name"] = "Standard_X9_v9".into();
                size["capabilities"] = json!([]);
            });
        }),
        case("sizes unknown, one vCPU short by our own table", 4, |scene| {
            scene.forbids("skus");
            scene.usage(GPU_FAMILY, 0, 191);
        }),
    ]
}

pub fn images() -> Vec<Case> {
    const SERVER: &str = "cyclecloud8-gen2 versions";
    let state = |state: &'static str, at: usize| {
        move |scene: &Scene| {
            scene.change("2404 versions", |list| {
                list[at]["properties"]["imageDeprecationStatus"] =
                    json!({"imageState": state, "scheduledDeprecationTime": "2027-01-31T00:00:00+00:00"});
            });
        }
    };
    let lacks = |scene: &Scene| {
        scene.change(SERVER, |list| {
            let list = list.as_array_mut().expect("a list");
            list.pop();
            for name in ["8.9.2026", "8.10.2026", "8.2.2027"] {
                let mut version = list[0].clone();
                version["name"] = name.into();
                list.push(version);
            }
        });
    };
    let gone =
        r#"ERROR: Not Found({"error":{"code":"NotFound","message":"Artifact: VMImage was not found."}})"#;
    vec![
        good(),
        case("the server's version is not there", 4, lacks),
        case("the server's plan is not there", 4, move |scene| scene.fails(SERVER, 1, gone)),
        case("no version of the nodes' image", 4, |scene| scene.answer("2404 versions", "[]")),
        case("the other system's image does not matter", 0, |scene| scene.answer("2204 versions", "[]")),
        case("the other system's image matters", 4, |scene| {
            scene.config("os: ubuntu2204\n");
            scene.answer("2204 versions", "[]");
        }),
        case("the newest is going", 0, state("ScheduledForDeprecation", 1)),
        case("an older one is going, none is active", 0, move |scene| {
            state("Deprecated", 1)(scene);
            state("ScheduledForDeprecation", 0)(scene);
        }),
        case("the server's version is going", 0, |scene| {
            scene.change(SERVER, |list| {
                list[1]["properties"]["imageDeprecationStatus"] = json!({"imageState": "Deprecated"});
            });
        }),
        case("images without a state", 0, |scene| {
            scene.change("2404 versions", |list| list[1]["properties"] = json!({}));
        }),
        case("images forbidden", 0, |scene| scene.forbids("2404 versions")),
        case("images are no list", 0, |scene| scene.answer("2404 versions", "{}")),
    ]
}
