#!/bin/sh
# submit CLAIM MOUNT IMAGE CPU MEM_MB SCRIPT: make a Kubernetes job; status JOB; JOB...: cancel them.
case $1 in
submit) kubectl create --output name --filename - << EOF ;;
apiVersion: batch/v1
kind: Job
metadata: {generateName: alpha-}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      volumes: [{name: shared, persistentVolumeClaim: {claimName: "$2"}}]
      containers:
        - name: job
          image: "$4"
          command: [sh, "$7"]
          volumeMounts: [{name: shared, mountPath: "$3"}]
          resources: {requests: {cpu: "$5", memory: "${6}M"}, limits: {memory: "${6}M"}}
EOF
status) # A server that does not answer is asked again; a job that was deleted has failed.
  case $(kubectl get --ignore-not-found -o 'jsonpath={.status.succeeded},{.status.failed}' "$2" || echo ,) in
  1,*) echo success ;; ,) echo running ;; *) echo failed ;;
  esac ;;
*) kubectl delete --wait=false "$@" ;;
esac
