"""The image that serves, and the scripts that set up and release on each cloud.

`script` runs them in the project's folder: image.sh builds, scans and publishes; check.sh audits; PLATFORM.sh is the verb
`cloud`, with what is the same on every cloud in any-cloud/.
"""
