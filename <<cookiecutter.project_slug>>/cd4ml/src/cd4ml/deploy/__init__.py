"""The shell scripts that build the image, check the project, and set up and release on each cloud.

`script` runs them in the project's folder: image.sh builds, scans and publishes the image; smoke.sh runs it; check.sh
audits the project; PLATFORM.sh is the verb `cloud`, with the parts that are the same on every cloud in any-cloud/.
"""
