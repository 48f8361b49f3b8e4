# MLflow's server with the versions of the project's uv.lock, so that it and the project's clients agree; for compose.yaml.
FROM ghcr.io/astral-sh/uv:0.13.8 AS uv
FROM python:3.12-slim
WORKDIR /app
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
COPY cd4m[l]/pyproject.toml cd4ml/
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-default-groups --group train --group postgresql --no-install-workspace && \
    mkdir /mlartifacts && chown 10001:10001 /mlartifacts
ENV PATH=/app/.venv/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 5000
