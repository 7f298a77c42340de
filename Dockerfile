# One image for the API (`graph serve`, what it runs unless told), the indexer (`indexer run`) and the commands
# (`domain import FILE`):  docker build --build-arg APP_VERSION=1.2.3 --tag user-service .
# Its root file system may be read-only: only /data (a volume, DATA_DIR) and /tmp are written to.

FROM python:3.11-slim AS python

FROM node:24-slim AS graphiql
WORKDIR /build
COPY graph/graphiql/package.json graph/graphiql/package-lock.json graph/graphiql/.npmrc ./
RUN npm ci --silent
COPY graph/graphiql/build.mjs ./
COPY graph/graphiql/src ./src
RUN npm run build

FROM python AS environment
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 \
    UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-cache

FROM python
# Fixed numbers, so that a platform can check that the process is not root and give it its volume.
RUN groupadd --gid 10001 app \
    && useradd --uid 10001 --gid app --no-log-init --no-create-home --home-dir /data --shell /usr/sbin/nologin app \
    && install --directory --owner=app --group=app --mode=0700 /data
WORKDIR /app
COPY --from=environment /app/.venv ./.venv
COPY deploy/healthcheck.py ./
COPY domain ./domain
COPY graph ./graph
COPY indexer ./indexer
COPY --from=graphiql /build/dist ./graph/graphiql/dist
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1
RUN python -m compileall -q domain graph indexer
ARG APP_VERSION=0.0.0-dev
ENV PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    APP_VERSION=$APP_VERSION
VOLUME /data
USER 10001:10001
EXPOSE 8000 9000
# /livez opens after the store, whose indexes may be built for 10 minutes at the first start of a release.
HEALTHCHECK --interval=10s --timeout=5s --start-period=660s --retries=3 CMD ["python", "/app/healthcheck.py"]
ENTRYPOINT ["python", "-m"]
CMD ["graph", "serve"]
