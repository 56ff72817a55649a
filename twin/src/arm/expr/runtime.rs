//! Functions that ask about the deployment, its scope, and resources.

use serde_json::{Map, Value, json};

use super::Fault;
use super::args::Args;
use super::eval::{Env, Phase};
use super::open;
use crate::arm::id::ResourceId;
use crate::arm::program::{Instance, Program};
use crate::arm::scope::Scope;
use crate::azure::error::{AzureError, resource_not_found};

/// Calls a function of this file.
pub fn call(env: &Env, args: &Args) -> Option<Result<Value, Fault>> {
    let name = args.function.to_ascii_lowercase();
    let of_scope = ["resourceid", "subscriptionresourceid", "resourcegroup", "subscription"];
    if env.program.scope.is_open() && of_scope.contains(&name.as_str()) {
        return Some(Ok(open_call(env.program, args)));
    }
    Some(match name.as_str() {
        "resourceid" => resource_id(env.program, args),
        "subscriptionresourceid" => subscription_resource_id(env.program, args),
        "extensionresourceid" => args.text(0).and_then(|base| id_of(args, base, &strings(args)?[1..])),
        "tenantresourceid" => strings(args).and_then(|parts| id_of(args, "", &parts)),
        "reference" => reference(env, args),
        "references" => references(env, args),
        "resourcegroup" => args.count(..=0).and_then(|()| resource_group(env, args.function)),
        "subscription" => args.count(..=0).and_then(|()| subscription(env)),
        "tenant" => args.count(..=0).map(|()| {
            let tenant = env.world.tenant_id();
            json!({"id": format!("/tenants/{tenant}"), "tenantId": tenant})
        }),
        "deployment" => args.count(..=0).map(|()| deployment(env.program)),
        "environment" => args.count(..=0).map(|()| environment()),
        name if name.starts_with("list") && env.phase == Phase::Start => {
            Err(Fault::Late(args.function.into()))
        }
        name if name.starts_with("list") => list(env, args),
        _ => return None,
    })
}

/// A call that has no value yet. An id of a resource gets the subscription and group that it leaves out.
pub fn open_call(program: &Program, args: &Args) -> Value {
    let kind =
        |value: &Value| value.as_str().is_some_and(|text| open::source(text).is_none() && text.contains('/'));
    let given = args.values.iter().position(kind).unwrap_or(args.values.len());
    let function = args.function.to_ascii_lowercase();
    let own = match (&program.scope, function.as_str(), given) {
        (Scope::ResourceGroup { subscription, name }, "resourceid", 0) => vec![subscription, name],
        (Scope::ResourceGroup { subscription, .. }, "resourceid", 1) => vec![subscription],
        (Scope::Subscription { subscription }, "resourceid", 0) => vec![subscription],
        (
            Scope::ResourceGroup { subscription, .. } | Scope::Subscription { subscription },
            "subscriptionresourceid",
            0,
        ) => {
            vec![subscription]
        }
        _ => Vec::new(),
    };
    let values: Vec<Value> =
        own.into_iter().map(|part| json!(part)).chain(args.values.iter().cloned()).collect();
    open::call(args.function, &values)
}

fn strings<'a>(args: &'a Args) -> Result<Vec<&'a str>, Fault> {
    (0..args.values.len()).map(|at| args.text(at)).collect()
}

/// `resourceId([subscription], [group], type, names…)`.
fn resource_id(program: &Program, args: &Args) -> Result<Value, Fault> {
    let parts = strings(args)?;
    let at = type_position(args, &parts)?;
    let base = match (&program.scope, &parts[..at]) {
        (scope, []) => scope.id(),
        (Scope::Subscription { .. }, [subscription]) => format!("/subscriptions/{subscription}"),
        (scope, [group]) => format!("/subscriptions/{}/resourceGroups/{group}", scope.subscription()),
        (_, [subscription, group, ..]) => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
    };
    id_of(args, &base, &parts[at..])
}

fn subscription_resource_id(program: &Program, args: &Args) -> Result<Value, Fault> {
    let parts = strings(args)?;
    let at = type_position(args, &parts)?;
    let subscription = if at > 0 { parts[0] } else { program.scope.subscription() };
    id_of(args, &format!("/subscriptions/{subscription}"), &parts[at..])
}

fn type_position(args: &Args, parts: &[&str]) -> Result<usize, Fault> {
    parts.iter().position(|part| part.contains('/')).ok_or_else(|| {
        Fault::text(format!(
            "Unable to evaluate template language function '{0}': function requires exactly one multi-segmented argument which must be resource type including resource provider namespace. Current function arguments '{1}'. Please see https://aka.ms/arm-resource-functions/#{2} for usage details.",
            args.function,
            parts.join(","),
            args.function.to_ascii_lowercase()
        ))
    })
}

fn id_of(args: &Args, base: &str, parts: &[&str]) -> Result<Value, Fault> {
    let (kind, names) = parts.split_first().map_or(("", &[][..]), |(kind, names)| (*kind, names));
    let id = ResourceId::build(base, kind, &names.join("/"))
        .filter(|_| names.iter().all(|name| !name.contains('/')));
    id.map(|id| json!(id.full)).ok_or_else(|| {
        Fault::text(format!(
            "Unable to evaluate template language function '{}': the type '{kind}' requires '{}' resource name argument(s). Please see https://aka.ms/arm-resource-functions/#{} for usage details.",
            args.function,
            kind.split('/').count().saturating_sub(1),
            args.function.to_ascii_lowercase()
        ))
    })
}

fn reference(env: &Env, args: &Args) -> Result<Value, Fault> {
    args.count(1..=3)?;
    if env.phase == Phase::Start {
        return Err(Fault::Late(args.function.into()));
    }
    let name = args.text(0)?;
    let full =
        args.value(args.values.len() - 1).as_str().is_some_and(|last| last.eq_ignore_ascii_case("full"));
    let full = full && args.values.len() > 1;
    let instance = match env.program.instance(name) {
        Some(instance) => instance.clone(),
        None if name.starts_with('/') => Instance {
            id: name.into(),
            api_version: args.value(1).as_str().unwrap_or_default().into(),
            present: true,
        },
        None => {
            return Err(Fault::text(format!(
                "The template function 'reference' is not valid: the template resource '{name}' is not defined in the template. Please see https://aka.ms/arm-function-reference for usage details."
            )));
        }
    };
    if env.phase == Phase::Predict {
        return Ok(foreseen(env.program, &instance, full));
    }
    read(env, &instance, full)
}

/// What `reference` gives before anything runs: the outputs of a nested deployment that was looked into, else nothing
/// yet.
fn foreseen(program: &Program, instance: &Instance, full: bool) -> Value {
    if let Some(outputs) = program.foreseen.get(&instance.id.to_ascii_lowercase()) {
        let properties = json!({ "outputs": outputs });
        return if full { json!({ "properties": properties }) } else { properties };
    }
    let mut arguments = vec![json!(instance.id), json!(instance.api_version)];
    arguments.extend(full.then(|| json!("full")));
    open::call("reference", &arguments)
}

fn references(env: &Env, args: &Args) -> Result<Value, Fault> {
    args.count(1..=2)?;
    if env.phase == Phase::Start {
        return Err(Fault::Late(args.function.into()));
    }
    let name = args.text(0)?;
    let Some(instances) = env.program.loops.get(&name.to_ascii_lowercase()) else {
        return Err(Fault::text(format!(
            "The template function 'references' is not valid: '{name}' is not a loop of the template."
        )));
    };
    let full = args.values.len() == 2;
    let instances = instances.iter().filter_map(|key| env.program.instance(key));
    let present = instances.filter(|instance| instance.present);
    if env.phase == Phase::Predict {
        return Ok(present.map(|instance| foreseen(env.program, instance, full)).collect());
    }
    present.map(|instance| read(env, instance, full)).collect()
}

/// `listKeys('id or name', api-version)` and its kin.
fn list(env: &Env, args: &Args) -> Result<Value, Fault> {
    args.count(2..=3)?;
    let name = args.text(0)?;
    let id = env.program.instance(name).map_or(name, |instance| &instance.id);
    if env.phase == Phase::Predict {
        return Ok(open::call(args.function, &[&[json!(id)], &args.values[1..]].concat()));
    }
    Ok(env.world.list(args.function, id)?)
}

/// What `reference` gives of a resource: its properties, or the whole without id, type and name.
fn read(env: &Env, instance: &Instance, full: bool) -> Result<Value, Fault> {
    let body = env.world.resource(&instance.id).ok_or_else(|| missing(&instance.id))?;
    if !full {
        return Ok(body.get("properties").cloned().unwrap_or_else(|| json!({})));
    }
    let mut whole = Map::new();
    whole.insert("apiVersion".into(), json!(instance.api_version));
    let hidden = ["id", "name", "type", "etag"];
    whole.extend(
        body.as_object()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .filter(|(key, _)| !hidden.contains(&key.as_str())),
    );
    if let Some(id) = ResourceId::parse(&instance.id) {
        whole.insert("subscriptionId".into(), json!(id.subscription()));
        whole.insert("resourceGroupName".into(), json!(id.resource_group()));
        whole.insert("scope".into(), json!(""));
        whole.insert("resourceId".into(), json!(format!("{}/{}", id.kind, id.name)));
        whole.insert("referenceApiVersion".into(), json!(instance.api_version));
    }
    Ok(Value::Object(whole))
}

fn missing(id: &str) -> AzureError {
    match ResourceId::parse(id) {
        Some(id) => resource_not_found(&id.kind, &id.name, id.resource_group().unwrap_or("<null>")),
        None => AzureError::new(400, "InvalidResourceId", format!("The resource id '{id}' is not valid.")),
    }
}

fn resource_group(env: &Env, function: &str) -> Result<Value, Fault> {
    let Scope::ResourceGroup { subscription, name } = &env.program.scope else {
        return Err(Fault::Late(function.into()));
    };
    env.world
        .resource_group(subscription, name)
        .ok_or_else(|| crate::azure::error::group_not_found(name).into())
}

fn subscription(env: &Env) -> Result<Value, Fault> {
    let id = env.program.scope.subscription();
    env.world.subscription(id).ok_or_else(|| {
        AzureError::gateway(
            404,
            "SubscriptionNotFound",
            format!("The subscription '{id}' could not be found."),
        )
        .into()
    })
}

fn deployment(program: &Program) -> Value {
    let mut deployment = json!({
        "name": program.name,
        "properties": {"template": {"contentVersion": program.content_version}},
    });
    if let Some(location) = &program.location {
        deployment["location"] = json!(location);
    }
    deployment
}

/// The public cloud, as the documentation of `environment()` shows it (learn.microsoft.com,
/// template-functions-deployment).
fn environment() -> Value {
    json!({
        "name": "AzureCloud",
        "gallery": "https://gallery.azure.com/",
        "graph": "https://graph.windows.net/",
        "portal": "https://portal.azure.com",
        "graphAudience": "https://graph.windows.net/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json",
        "resourceManager": "https://management.azure.com/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": ".azurecr.io",
            "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
            "azureFrontDoorEndpointSuffix": "azurefd.net",
            "keyvaultDns": ".vault.azure.net",
            "sqlServerHostname": ".database.windows.net",
            "storage": "core.windows.net",
        },
    })
}
