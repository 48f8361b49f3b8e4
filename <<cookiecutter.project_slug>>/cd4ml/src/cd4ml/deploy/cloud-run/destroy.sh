# shellcheck shell=bash disable=SC2034 # any-cloud/destroy.sh uses these
# What is to be removed from Google Cloud.

ABSENT='not.?found|does not exist|cannot find|could not be found|matched no objects|already.*deleted'

whole_cloud() { printf 'project %s' "$GCP_PROJECT"; }

what_goes() {
    project_number
    goes services "$(service_name staging), $(service_name production)"
    goes registry "$SLUG in $GCP_REGION, with all images"
    goes bucket "gs://$(bucket_name dvc), with all data and models"
    goes bucket "gs://$(bucket_name predictions), with all predictions"
    goes secret "$(secret_name)"
    goes identities "$(account_id reader), $(account_id trainer), $(account_id deployer), $(account_id runtime), their roles and keys"
    goes trust "the identity pool $(pool_name), where there is one"
    goes "not at once" "Google can restore what a bucket held for 7 days, and accounts and the pool for 30"
}

remove_everything() {
    local who role
    for who in staging production; do
        gone gcloud run services delete "$(service_name $who)" "${IN_REGION[@]}" --quiet
    done
    for role in run.developer run.invoker monitoring.viewer; do
        gone gcloud projects remove-iam-policy-binding "$GCP_PROJECT" --quiet --condition None \
            --member "serviceAccount:$(account deployer)" --role "roles/$role"
    done
    for who in reader trainer deployer runtime; do
        gone gcloud iam service-accounts delete "$(account $who)" --project "$GCP_PROJECT" --quiet
    done
    gone gcloud secrets delete "$(secret_name)" --project "$GCP_PROJECT" --quiet
    gone gcloud artifacts repositories delete "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT" --quiet
    gone gcloud storage rm --recursive "gs://$(bucket_name dvc)" --quiet
    gone gcloud storage rm --recursive "gs://$(bucket_name predictions)" --quiet
    gone gcloud iam workload-identity-pools delete "$(pool_name)" --location global --project "$GCP_PROJECT" --quiet
}
