//! Ways to break a deployment, each with the rule that must notice: so no rule keeps silent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{bundle::Bundle, rules::RULES};

/// What is broken, the rule that says so, and how.
type Breakage = (&'static str, &'static str, fn(&mut Bundle));

const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const CONTAINER: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
const VAULT: &str = "Microsoft.KeyVault/vaults";
const SECRET: &str = "Microsoft.KeyVault/vaults/secrets";
const POLICY: &str = "Microsoft.KeyVault/vaults/accessPolicies";
const INSIGHTS: &str = "Microsoft.Insights/components";
const PLAN: &str = "Microsoft.Web/serverfarms";
const SITE: &str = "Microsoft.Web/sites";
const PUBLISHING: &str = "Microsoft.Web/sites/basicPublishingCredentialsPolicies";
const PACKAGE: &str = "Microsoft.Web/sites/extensions";
const ROLE: &str = "Microsoft.Authorization/roleAssignments";

/// The first resource of a type.
fn first<'a>(bundle: &'a mut Bundle, of: &str) -> &'a mut Value {
    let resources = bundle.template["resources"].as_array_mut().unwrap();
    resources
        .iter_mut()
        .find(|resource| resource["type"] == of)
        .unwrap()
}

fn properties<'a>(bundle: &'a mut Bundle, of: &str) -> &'a mut Value {
    &mut first(bundle, of)["properties"]
}

/// The nested deployment whose name ends so.
fn nested<'a>(bundle: &'a mut Bundle, name: &str) -> &'a mut Value {
    let resources = bundle.template["resources"].as_array_mut().unwrap();
    let is_it = |resource: &&mut Value| resource["name"] == format!("[variables('{name}')]");
    resources.iter_mut().find(is_it).unwrap()
}

/// The app's settings, as the template gives them.
fn settings(bundle: &mut Bundle) -> &mut Value {
    &mut nested(bundle, "settingsName")["properties"]["parameters"]["settings"]["value"]
}

/// The template of the tables and the rule.
fn logs_ingestion(bundle: &mut Bundle) -> &mut Value {
    &mut nested(bundle, "logsIngestionName")["properties"]["template"]
}

fn parameter<'a>(bundle: &'a mut Bundle, name: &str) -> &'a mut Value {
    &mut bundle.template["parameters"][name]
}

/// The form's control of that name.
fn control<'a>(bundle: &'a mut Bundle, name: &str) -> &'a mut Value {
    fn find<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
        match value {
            Value::Object(members) if members.get("name").is_some_and(|found| found == name) => {
                Some(value)
            }
            Value::Object(members) => members.values_mut().find_map(|each| find(each, name)),
            Value::Array(items) => items.iter_mut().find_map(|each| find(each, name)),
            _ => None,
        }
    }
    find(&mut bundle.form["parameters"], name).unwrap()
}

fn remove(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name).unwrap();
}

fn replace(text: &mut String, old: &str, new: &str) {
    assert!(text.contains(old), "{old} is not there to be replaced");
    *text = text.replace(old, new);
}

const BREAKAGES: &[Breakage] = &[
    (
        "an old schema",
        "template::it_is_a_deployment_template",
        |b| {
            b.template["$schema"] = json!(
                "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#"
            );
        },
    ),
    (
        "a misspelt member of a parameter",
        "template::it_is_a_deployment_template",
        |b| {
            parameter(b, "appName")["minimumLength"] = json!(3);
        },
    ),
    (
        "a resource without a version",
        "template::it_is_a_deployment_template",
        |b| {
            remove(first(b, PLAN), "apiVersion");
        },
    ),
    (
        "a parameter that nothing describes",
        "template::everything_is_described",
        |b| {
            remove(parameter(b, "sink"), "metadata");
        },
    ),
    (
        "a parameter that nothing uses",
        "template::parameters_and_variables_are_used",
        |b| {
            b.template["parameters"]["spare"] = json!({ "type": "string", "defaultValue": "" });
        },
    ),
    (
        "a variable that nothing uses",
        "template::parameters_and_variables_are_used",
        |b| {
            b.template["variables"]["spare"] = json!(1);
        },
    ),
    (
        "a parameter of the old page under another name",
        "template::the_connectors_parameters_are_kept",
        |b| {
            let old = parameter(b, "mimecastBaseURL").take();
            remove(&mut b.template["parameters"], "mimecastBaseURL");
            b.template["parameters"]["mimecastBaseUrl"] = old;
        },
    ),
    (
        "a new parameter that must be given",
        "template::new_parameters_have_defaults",
        |b| {
            remove(parameter(b, "sink"), "defaultValue");
        },
    ),
    (
        "a number with one bound",
        "template::bounds_come_in_pairs",
        |b| {
            remove(parameter(b, "lookbackDays"), "maxValue");
        },
    ),
    (
        "a secret in plain text",
        "template::secret_names_are_secure",
        |b| {
            parameter(b, "mimecastClientSecret")["type"] = json!("string");
        },
    ),
    (
        "the workspace's key in plain text",
        "template::the_connectors_parameters_are_kept",
        |b| {
            parameter(b, "workspaceKey")["type"] = json!("string");
        },
    ),
    (
        "a default for a secret",
        "template::secrets_have_no_literal_default",
        |b| {
            parameter(b, "mimecastPassword")["defaultValue"] = json!("changeme");
        },
    ),
    (
        "a key in the outputs",
        "template::outputs_name_no_secret",
        |b| {
            b.template["outputs"]["principalId"]["value"] =
                json!("[listKeys(variables('storageId'), '2025-06-01').keys[0].value]");
        },
    ),
    (
        "a secure parameter in the outputs",
        "template::outputs_name_no_secret",
        |b| {
            b.template["outputs"]["packageUri"]["value"] = json!("[parameters('workspaceKey')]");
        },
    ),
    (
        "a nested deployment of outer scope",
        "template::nested_deployments_look_inward",
        |b| {
            nested(b, "settingsName")["properties"]["expressionEvaluationOptions"]["scope"] =
                json!("outer");
        },
    ),
    (
        "a nested deployment that deletes what it does not name",
        "template::nested_deployments_look_inward",
        |b| {
            nested(b, "logsIngestionName")["properties"]["mode"] = json!("Complete");
        },
    ),
    (
        "a column more in the nested tables",
        "template::nested_templates_are_those_in_deploy",
        |b| {
            let columns = &mut logs_ingestion(b)["resources"][0]["properties"]["schema"]["columns"];
            columns
                .as_array_mut()
                .unwrap()
                .push(json!({ "name": "more_s", "type": "string" }));
        },
    ),
    (
        "a deployment that logs its contents",
        "template::nothing_is_debugged_or_run_by_hand",
        |b| {
            nested(b, "settingsName")["properties"]["debugSetting"] =
                json!({ "detailLevel": "requestContent" });
        },
    ),
    (
        "a region that is fixed",
        "style::locations_come_from_parameters",
        |b| {
            first(b, STORAGE)["location"] = json!("westeurope");
        },
    ),
    (
        "the resource group's region, whatever is chosen",
        "style::locations_come_from_parameters",
        |b| {
            first(b, STORAGE)["location"] = json!("[resourceGroup().location]");
        },
    ),
    (
        "an API version of 2019",
        "style::api_versions_are_recent",
        |b| {
            first(b, STORAGE)["apiVersion"] = json!("2019-06-01");
        },
    ),
    ("a preview version", "style::api_versions_are_recent", |b| {
        first(b, PLAN)["apiVersion"] = json!("2026-01-01-preview");
    }),
    (
        "a vault version that is about to be retired",
        "style::api_versions_are_recent",
        |b| {
            first(b, VAULT)["apiVersion"] = json!("2025-05-01");
        },
    ),
    (
        "an old version inside of an expression",
        "style::api_versions_are_recent",
        |b| {
            b.template["outputs"]["vaultUri"]["value"] =
                json!("[reference(variables('vaultId'), '2019-09-01').vaultUri]");
        },
    ),
    ("empty tags", "style::nothing_is_blank", |b| {
        first(b, SITE)["tags"] = json!({});
    }),
    (
        "an id put together by hand",
        "style::ids_are_made_by_functions",
        |b| {
            properties(b, SITE)["serverFarmId"] = json!(
                "[format('{0}/providers/Microsoft.Web/serverfarms/{1}', resourceGroup().id, variables('appName'))]"
            );
        },
    ),
    ("an id inside of an id", "style::ids_are_not_glued", |b| {
        b.template["variables"]["siteId"] = json!(
            "[resourceId(resourceGroup().name, 'Microsoft.Web/sites', variables('appName'))]"
        );
    }),
    (
        "an address put together by hand",
        "style::addresses_are_not_glued",
        |b| {
            properties(b, PACKAGE)["packageUri"] =
                json!("[concat(parameters('packageUri'), '?raw=true')]");
        },
    ),
    (
        "the public cloud's host by name",
        "style::no_cloud_is_named",
        |b| {
            settings(b)["AzureWebJobsStorage__blobServiceUri"] =
                json!("[uri('https://app.blob.core.windows.net', '')]");
        },
    ),
    (
        "a dependency by if()",
        "style::dependencies_are_plain",
        |b| {
            first(b, PACKAGE)["dependsOn"][1] = json!(
                "[if(parameters('createRoleAssignments'), variables('storageId'), variables('siteId'))]"
            );
        },
    ),
    ("a misspelt function", "order::every_choice_deploys", |b| {
        first(b, SITE)["name"] = json!("[tolower(variables('appName'))]");
    }),
    (
        "a variable that does not exist",
        "order::every_choice_deploys",
        |b| {
            first(b, SITE)["name"] = json!("[variables('siteName')]");
        },
    ),
    ("a bracket too few", "order::every_choice_deploys", |b| {
        first(b, SITE)["location"] = json!("[parameters('location']");
    }),
    (
        "a dependency on what is not there",
        "order::every_choice_deploys",
        |b| {
            first(b, SITE)["dependsOn"][0] =
                json!("[resourceId('Microsoft.Web/serverfarms', 'plan')]");
        },
    ),
    (
        "two resources that wait for each other",
        "order::every_choice_deploys",
        |b| {
            first(b, STORAGE)["dependsOn"] = json!(["[variables('siteId')]"]);
        },
    ),
    (
        "an identity that is read too soon",
        "order::every_choice_deploys",
        |b| {
            first(b, ROLE)["dependsOn"] = json!(["[variables('storageId')]"]);
        },
    ),
    (
        "an app without an identity",
        "order::every_choice_deploys",
        |b| {
            remove(first(b, SITE), "identity");
        },
    ),
    (
        "a rule's outputs read where there is no rule",
        "order::every_choice_deploys",
        |b| {
            remove(
                &mut b.template["outputs"]["logsIngestionEndpoint"],
                "condition",
            );
        },
    ),
    (
        "secrets that do not wait for their vault",
        "order::parents_come_first",
        |b| {
            remove(first(b, SECRET), "dependsOn");
        },
    ),
    (
        "an app that does not wait for its plan",
        "order::what_is_named_is_waited_for",
        |b| {
            first(b, SITE)["dependsOn"]
                .as_array_mut()
                .unwrap()
                .remove(0);
        },
    ),
    (
        "a rule that does not wait for its tables",
        "order::tables_come_before_their_rule",
        |b| {
            let resources = logs_ingestion(b)["resources"].as_array_mut().unwrap();
            let is_rule = |resource: &&mut Value| resource["kind"] == "Direct";
            remove(resources.iter_mut().find(is_rule).unwrap(), "dependsOn");
        },
    ),
    (
        "a package that comes before the settings",
        "order::the_package_comes_last",
        |b| {
            first(b, PACKAGE)["dependsOn"] = json!(["[variables('siteId')]"]);
        },
    ),
    (
        "a storage account with a hyphen",
        "names::names_fit_azure",
        |b| {
            b.template["variables"]["appName"] =
                json!("[concat(toLower(parameters('appName')), '-1')]");
        },
    ),
    ("a name in capitals", "names::names_fit_azure", |b| {
        b.template["variables"]["appName"] = json!("[parameters('appName')]");
    }),
    (
        "a vault whose name is too long",
        "names::names_fit_azure",
        |b| {
            b.template["variables"]["vaultName"] =
                json!("[concat(variables('appName'), uniqueString(resourceGroup().id))]");
        },
    ),
    (
        "a role that is another at each deployment",
        "names::names_stay_from_one_deployment_to_the_next",
        |b| {
            b.template["variables"]["grants"]["storage"] = json!("[newGuid()]");
        },
    ),
    (
        "a storage account of another name than the app's",
        "names::names_stay_from_one_deployment_to_the_next",
        |b| {
            b.template["variables"]["appName"] =
                json!("[concat(take(toLower(parameters('appName')), 10), '0')]");
        },
    ),
    (
        "a misspelt property",
        "shapes::bodies_fit_their_types",
        |b| {
            properties(b, STORAGE)["minimumTLSVersion"] = json!("TLS1_2");
        },
    ),
    (
        "a text in place of true",
        "shapes::bodies_fit_their_types",
        |b| {
            properties(b, SITE)["httpsOnly"] = json!("true");
        },
    ),
    (
        "a vault without a tenant",
        "shapes::bodies_fit_their_types",
        |b| {
            remove(properties(b, VAULT), "tenantId");
        },
    ),
    (
        "a plan that there is not",
        "shapes::bodies_fit_their_types",
        |b| {
            b.template["variables"]["plans"]["Consumption"]["name"] = json!("Y2");
        },
    ),
    ("TLS 1.0 for storage", "hardening::storage_is_closed", |b| {
        properties(b, STORAGE)["minimumTlsVersion"] = json!("TLS1_0");
    }),
    ("public blobs", "hardening::storage_is_closed", |b| {
        properties(b, STORAGE)["allowBlobPublicAccess"] = json!(true);
    }),
    (
        "keys that open storage although there are roles",
        "hardening::storage_is_closed",
        |b| {
            properties(b, STORAGE)["allowSharedKeyAccess"] = json!(true);
        },
    ),
    ("a public container", "hardening::storage_is_closed", |b| {
        properties(b, CONTAINER)["publicAccess"] = json!("Blob");
    }),
    (
        "a vault that can be purged",
        "hardening::the_vault_is_closed",
        |b| {
            remove(properties(b, VAULT), "enablePurgeProtection");
        },
    ),
    (
        "plain http to the app",
        "hardening::the_app_is_closed",
        |b| {
            properties(b, SITE)["httpsOnly"] = json!(false);
        },
    ),
    ("FTP to the app", "hardening::the_app_is_closed", |b| {
        remove(&mut properties(b, SITE)["siteConfig"], "ftpsState");
    }),
    (
        "deployment by password",
        "hardening::the_app_is_closed",
        |b| {
            properties(b, PUBLISHING)["allow"] = json!(true);
        },
    ),
    (
        "Application Insights without the workspace",
        "hardening::telemetry_goes_to_the_workspace",
        |b| {
            remove(properties(b, INSIGHTS), "WorkspaceResourceId");
        },
    ),
    (
        "the workspace declared anew",
        "hardening::the_workspace_is_left_alone",
        |b| {
            first(b, PLAN)["type"] = json!("Microsoft.OperationalInsights/workspaces");
        },
    ),
    (
        "a retention for a table",
        "hardening::the_workspace_is_left_alone",
        |b| {
            logs_ingestion(b)["resources"][0]["properties"]["retentionInDays"] = json!(30);
        },
    ),
    (
        "the worker runtime as a setting on Flex Consumption",
        "hosting::each_plan_gets_what_it_needs",
        |b| {
            settings(b)["FUNCTIONS_WORKER_RUNTIME"] = json!("custom");
        },
    ),
    (
        "no package on the Consumption plan",
        "hosting::each_plan_gets_what_it_needs",
        |b| {
            remove(settings(b), "WEBSITE_RUN_FROM_PACKAGE");
        },
    ),
    (
        "the package deployed on the Consumption plan too",
        "hosting::each_plan_gets_what_it_needs",
        |b| {
            remove(first(b, PACKAGE), "condition");
        },
    ),
    (
        "a plan for Windows",
        "hosting::each_plan_gets_what_it_needs",
        |b| {
            properties(b, PLAN)["reserved"] = json!(false);
        },
    ),
    (
        "a container for packages that is not made",
        "hosting::the_package_can_be_stored",
        |b| {
            b.template["variables"]["flexConfig"]["deployment"]["storage"]["value"] = json!(
                "[format('https://{0}.blob.{1}/packages', variables('appName'), environment().suffixes.storage)]"
            );
        },
    ),
    (
        "a package stored by a setting that is not there",
        "hosting::the_package_can_be_stored",
        |b| {
            b.template["variables"]["storageByKey"]["storageAccountConnectionStringName"] =
                json!("DEPLOYMENT_STORAGE");
        },
    ),
    (
        "Contributor in place of Secrets User",
        "roles::each_role_is_the_least",
        |b| {
            b.template["variables"]["roles"]["keyVaultSecretsUser"] =
                json!("b24988ac-6180-42a0-ab88-20f7382dd24c");
        },
    ),
    (
        "a role on the whole resource group",
        "roles::each_role_is_the_least",
        |b| {
            let roles = b.template["resources"].as_array_mut().unwrap();
            let is_deployers = |role: &&mut Value| {
                role["type"] == ROLE && role["properties"].get("principalType").is_none()
            };
            remove(roles.iter_mut().find(is_deployers).unwrap(), "scope");
        },
    ),
    (
        "roles although nobody may assign them",
        "roles::each_role_is_the_least",
        |b| {
            remove(first(b, ROLE), "condition");
        },
    ),
    (
        "the one who deploys taken for a service principal",
        "roles::each_role_is_the_least",
        |b| {
            b.template["resources"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .filter(|role| role["type"] == ROLE)
                .for_each(|role| role["properties"]["principalType"] = json!("ServicePrincipal"));
        },
    ),
    (
        "an app that may delete secrets",
        "roles::each_policy_is_the_least",
        |b| {
            properties(b, POLICY)["accessPolicies"][0]["permissions"]["secrets"] =
                json!(["get", "list", "set", "delete"]);
        },
    ),
    (
        "a secret in the settings",
        "secrets::secrets_go_where_they_belong",
        |b| {
            settings(b)["mimecast_client_secret"] = json!("[parameters('mimecastClientSecret')]");
        },
    ),
    (
        "a secret in a tag",
        "secrets::secrets_go_where_they_belong",
        |b| {
            first(b, SITE)["tags"] = json!({ "key": "[parameters('mimecastAccessKey')]" });
        },
    ),
    (
        "secrets in a parameter that is not secure",
        "secrets::secrets_go_where_they_belong",
        |b| {
            nested(b, "settingsName")["properties"]["template"]["parameters"]["settings"]["type"] =
                json!("object");
        },
    ),
    (
        "a secret in the outputs by way of a variable",
        "secrets::secrets_go_where_they_belong",
        |b| {
            b.template["outputs"]["packageUri"]["value"] = json!("[variables('secrets')[2].value]");
        },
    ),
    (
        "the storage key although there is a role",
        "secrets::secrets_go_where_they_belong",
        |b| {
            settings(b)["AzureWebJobsStorage"] =
                json!("[listKeys(variables('storageId'), '2025-06-01').keys[0].value]");
        },
    ),
    (
        "a reference stored as if it were a secret",
        "secrets::references_are_passed_through",
        |b| {
            first(b, SECRET)["condition"] =
                json!("[not(empty(variables('secrets')[copyIndex()].value))]");
        },
    ),
    (
        "a secret overwritten by nothing",
        "secrets::references_are_passed_through",
        |b| {
            remove(first(b, SECRET), "condition");
        },
    ),
    (
        "a setting that refers to no secret",
        "secrets::what_is_referred_to_can_be_read",
        |b| {
            settings(b)["mimecast_base_url"] =
                json!("[concat(variables('inVault'), 'mimecast-base-url)')]");
        },
    ),
    (
        "settings before the app may read the vault",
        "secrets::what_is_referred_to_can_be_read",
        |b| {
            let list = nested(b, "settingsName")["dependsOn"]
                .as_array_mut()
                .unwrap();
            list.retain(|each| !each.as_str().unwrap().contains(".secrets)"));
        },
    ),
    (
        "settings before the secrets",
        "secrets::what_is_referred_to_can_be_read",
        |b| {
            let list = nested(b, "settingsName")["dependsOn"]
                .as_array_mut()
                .unwrap();
            list.retain(|each| each != "secrets");
        },
    ),
    (
        "no address of Mimecast",
        "settings::the_program_accepts_them",
        |b| {
            remove(settings(b), "mimecast_base_url");
        },
    ),
    (
        "half of the sending application",
        "settings::the_program_accepts_them",
        |b| {
            remove(settings(b), "active_directory_tenant_id");
        },
    ),
    (
        "two keys that change places",
        "settings::the_program_does_as_chosen",
        |b| {
            let [one, other] =
                ["mimecast_app_key", "mimecast_access_key"].map(|name| settings(b)[name].clone());
            settings(b)["mimecast_app_key"] = other;
            settings(b)["mimecast_access_key"] = one;
        },
    ),
    (
        "another container for checkpoints than is made",
        "settings::the_program_does_as_chosen",
        |b| {
            settings(b)["checkpoint_container"] = json!("checkpoints");
        },
    ),
    (
        "both ways into Log Analytics at once",
        "settings::the_program_does_as_chosen",
        |b| {
            for name in ["logs_ingestion_endpoint", "logs_ingestion_rule_id"] {
                remove(settings(b), name);
            }
            settings(b)["log_analytics_workspace_id"] = json!("[parameters('objectId')]");
            settings(b)["log_analytics_workspace_key"] = json!("a2V5");
        },
    ),
    (
        "the public cloud's collector in every cloud",
        "settings::addresses_follow_the_cloud",
        |b| {
            remove(settings(b), "log_analytics_uri");
        },
    ),
    (
        "the public cloud's storage in every cloud",
        "settings::addresses_follow_the_cloud",
        |b| {
            let account = settings(b)["AzureWebJobsStorage__blobServiceUri"].take();
            let account = account.as_str().unwrap().replace(
                "reference(variables('storageId'), '2025-06-01').primaryEndpoints.blob",
                "variables('appName')",
            );
            remove(settings(b), "AzureWebJobsStorage__blobServiceUri");
            settings(b)["AzureWebJobsStorage__accountName"] = account.into();
        },
    ),
    (
        "a misspelt setting",
        "settings::every_one_set_is_known",
        |b| {
            settings(b)["look_back_days"] = json!("7");
        },
    ),
    (
        "a schedule that the timer does not look for",
        "settings::every_one_set_is_known",
        |b| {
            b.trigger["bindings"][0]["schedule"] = json!("%schedule%");
        },
    ),
    (
        "a setting that nobody sets",
        "settings::every_one_known_is_set",
        |b| {
            remove(settings(b), "late_arrival_minutes");
        },
    ),
    (
        "a bound that the program does not have",
        "settings::bounds_are_the_programs",
        |b| {
            parameter(b, "lookbackDays")["maxValue"] = json!(60);
        },
    ),
    (
        "a default that the program does not have",
        "settings::bounds_are_the_programs",
        |b| {
            parameter(b, "parallelRanges")["defaultValue"] = json!(8);
        },
    ),
    (
        "a host that ends runs before they end themselves",
        "settings::bounds_are_the_programs",
        |b| {
            b.host["functionTimeout"] = json!("00:05:00");
        },
    ),
    ("a form of another version", "form::it_is_a_form", |b| {
        b.form["version"] = json!("0.2.0");
    }),
    (
        "a parameter that the form does not fill",
        "form::it_fills_every_parameter",
        |b| {
            remove(&mut b.form["parameters"]["outputs"], "timerSchedule");
        },
    ),
    (
        "a location that the form makes up",
        "form::it_fills_every_parameter",
        |b| {
            b.form["parameters"]["outputs"]["location"] = json!("westeurope");
        },
    ),
    (
        "a field that was renamed",
        "form::controls_that_are_named_exist",
        |b| {
            control(b, "packageUri")["name"] = json!("package");
        },
    ),
    ("a field without a length", "form::texts_are_checked", |b| {
        control(b, "mimecastAppId")["constraints"]["regex"] = json!("^.+$");
    }),
    (
        "a field without a tooltip",
        "form::texts_are_checked",
        |b| {
            remove(control(b, "objectId"), "toolTip");
        },
    ),
    (
        "a secret that shows while it is typed",
        "form::secrets_are_hidden",
        |b| {
            control(b, "mimecastAppKey")["type"] = json!("Microsoft.Common.TextBox");
        },
    ),
    (
        "a secret that is typed once",
        "form::secrets_are_hidden",
        |b| {
            control(b, "mimecastAppKey")["options"]["hideConfirmation"] = json!(true);
        },
    ),
    (
        "an empty placeholder",
        "form::nothing_is_blank_in_it",
        |b| {
            control(b, "appName")["placeholder"] = json!("");
        },
    ),
    (
        "a name that the form allows and the template does not",
        "form::it_checks_as_the_template_does",
        |b| {
            control(b, "appName")["constraints"]["regex"] = json!("^[a-z][a-z0-9]{2,40}$");
        },
    ),
    (
        "a slider that goes further than the template",
        "form::it_checks_as_the_template_does",
        |b| {
            control(b, "lookbackDays")["max"] = json!(90);
        },
    ),
    (
        "a choice that the form does not offer",
        "form::it_checks_as_the_template_does",
        |b| {
            let allowed = &mut control(b, "hostingPlan")["constraints"]["allowedValues"];
            allowed.as_array_mut().unwrap().pop();
        },
    ),
    (
        "a field that takes no reference",
        "form::references_are_taken",
        |b| {
            control(b, "workspaceId")["constraints"]["regex"] = json!("^[0-9a-f-]{36,36}$");
        },
    ),
    (
        "a text where the template takes true or false",
        "form::what_it_gives_can_be_deployed",
        |b| {
            b.form["parameters"]["outputs"]["createRoleAssignments"] =
                json!("[steps('advanced').createRoleAssignments]");
        },
    ),
    (
        "hidden fields that count all the same",
        "form::what_it_gives_can_be_deployed",
        |b| {
            remove(control(b, "mimecastClientSecret"), "visible");
            b.form["parameters"]["outputs"]["mimecastClientId"] =
                json!("[steps('mimecast').mimecastClientId]");
        },
    ),
    (
        "a button that leads nowhere",
        "readme::the_button_leads_to_both_files",
        |b| {
            replace(
                &mut b.readme,
                "Microsoft.Template/uri/https",
                "Microsoft.Template/uri/",
            );
        },
    ),
    (
        "a button that leads to a branch",
        "readme::the_button_leads_to_both_files",
        |b| {
            replace(
                &mut b.readme,
                concat!("%2Fv", env!("CARGO_PKG_VERSION"), "%2F"),
                "%2Fmain%2F",
            );
        },
    ),
    (
        "a package of another name than is built",
        "readme::the_package_is_the_releases",
        |b| {
            replace(&mut b.builder, "mimecast-ttp.zip", "mimecast.zip");
        },
    ),
    (
        "a package of another owner than the button's",
        "readme::the_package_is_the_releases",
        |b| {
            parameter(b, "packageUri")["defaultValue"] = json!(
                "https://github.com/someone/mimecast-ttp/releases/download/v0.1.0/mimecast-ttp.zip"
            );
        },
    ),
    (
        "a parameter that the guide does not know",
        "readme::every_parameter_is_explained",
        |b| {
            replace(&mut b.guide, "| `timerSchedule` |", "| `schedule` |");
        },
    ),
    (
        "a default that the guide does not know",
        "readme::every_parameter_is_explained",
        |b| {
            parameter(b, "settleSeconds")["defaultValue"] = json!(60);
        },
    ),
    (
        "an output that the guide does not know",
        "readme::every_output_is_explained",
        |b| {
            b.template["outputs"]["more"] = json!({ "type": "string", "value": "more" });
        },
    ),
    (
        "a command that does not give what must be given",
        "readme::the_commands_deploy",
        |b| {
            replace(&mut b.readme, "objectId=OBJECT_ID", "");
        },
    ),
];

/// Tries some; says which were not noticed.
fn unnoticed(breakages: &[Breakage]) -> Vec<String> {
    let mut silent = Vec::new();
    for (what, rule, make) in breakages {
        let (_, check) = RULES.iter().find(|(name, _)| name == rule).unwrap();
        if check(&Bundle::broken(*make)).is_empty() {
            silent.push(format!("{rule} does not notice {what}"));
        }
    }
    silent
}

#[test]
fn every_breakage_is_noticed_by_its_rule() {
    let half = BREAKAGES.len() / 2;
    let (one, other) = BREAKAGES.split_at(half);
    let silent = std::thread::scope(|scope| {
        let halves = [one, other].map(|half| scope.spawn(|| unnoticed(half)));
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

#[test]
fn every_rule_can_be_broken() {
    let broken: BTreeSet<_> = BREAKAGES.iter().map(|(_, rule, _)| *rule).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(broken, rules);
}

#[test]
fn what_is_not_broken_is_not_complained_of() {
    let bundle = Bundle::broken(|_| {});
    for (name, check) in RULES {
        assert_eq!(check(&bundle), Vec::<String>::new(), "{name}");
    }
}
